"""Teaches a generator the conversations of `littoral tune prepare --format chat`, by LoRA.

    pip install -r requirements.txt
    python3 train.py [--config config.json]

What is trained, on what, and how is in config.json beside this file. The adapter goes to `adapter`, in
PEFT's format; checkpoints lie in `checkpoints`, and an interrupted training goes on from the last one.
Standard output has a line of JSON for each event, which `littoral tune train --target generator` reads.
"""

import argparse
import json
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def examples(path):
    """Conversations as prompt and completion: only the answer, the last message, is learned."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip():
                messages = json.loads(line)["messages"]
                rows.append({"prompt": messages[:-1], "completion": messages[-1:]})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default=os.path.join(HERE, "config.json"))
    arguments = parser.parse_args()
    with open(arguments.config, encoding="utf-8") as file:
        config = json.load(file)

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        BitsAndBytesConfig,
        EarlyStoppingCallback,
        PrinterCallback,
        TrainerCallback,
        set_seed,
    )
    from transformers.trainer_utils import get_last_checkpoint
    from trl import SFTConfig, SFTTrainer

    set_seed(config["seed"])
    on_gpu = torch.cuda.is_available()
    bf16 = on_gpu and torch.cuda.is_bf16_supported()

    tokenizer = AutoTokenizer.from_pretrained(config["model"])
    if tokenizer.chat_template is None:
        sys.exit("the model's tokenizer has no chat template: take one that was made to answer, an instruct model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    # QLoRA: the base in 4 bits, the adapter in 16 or 32.
    quantized = None
    if config["qlora"]:
        quantized = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if bf16 else torch.float32,
        )
    model = AutoModelForCausalLM.from_pretrained(
        config["model"],
        dtype=torch.bfloat16 if bf16 else torch.float32,
        quantization_config=quantized,
    )
    targets = config["targets"]
    lora = LoraConfig(
        r=config["rank"],
        lora_alpha=config["alpha"],
        target_modules=targets[0] if targets == ["all-linear"] else targets,
        task_type="CAUSAL_LM",
    )

    checkpoints = os.path.join(HERE, "checkpoints")
    settings = SFTConfig(
        output_dir=checkpoints,
        seed=config["seed"],
        data_seed=config["seed"],
        max_steps=config["steps"] or -1,
        num_train_epochs=config["epochs"],
        # A step is `batch` conversations, however few fit into memory at once.
        per_device_train_batch_size=config["at_once"],
        per_device_eval_batch_size=config["at_once"],
        gradient_accumulation_steps=max(1, config["batch"] // config["at_once"]),
        gradient_checkpointing=on_gpu,
        learning_rate=config["rate"],
        warmup_steps=config["warm_up"],
        lr_scheduler_type="cosine",
        max_length=config["tokens"],
        bf16=bf16,
        fp16=False,
        use_cpu=not on_gpu,
        eval_strategy="steps",
        eval_steps=config["look"],
        save_strategy="steps",
        save_steps=config["look"],
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )

    class Tell(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in logs:
                tell("step", step=state.global_step, steps=state.max_steps, loss=logs["loss"])

        def on_evaluate(self, args, state, control, metrics=None, **kwargs):
            tell("look", step=state.global_step, loss=metrics["eval_loss"])

    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(examples(config["train"])),
        eval_dataset=Dataset.from_list(examples(config["held_out"])),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[Tell(), EarlyStoppingCallback(early_stopping_patience=config["patience"])],
    )
    trainer.remove_callback(PrinterCallback)
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    numbers = sum(p.numel() for p in trainer.model.parameters())
    tell(
        "began",
        n_train=len(trainer.train_dataset),
        n_held_out=len(trainer.eval_dataset),
        n_trained=trained,
        n_numbers=numbers,
    )
    start = time.monotonic()
    before = trainer.evaluate()["eval_loss"]
    last = get_last_checkpoint(checkpoints) if os.path.isdir(checkpoints) else None
    trainer.train(resume_from_checkpoint=last)
    looks = [(log["step"], log["eval_loss"]) for log in trainer.state.log_history if "eval_loss" in log]
    # The best numbers that were looked at are back in the model.
    after = trainer.evaluate()["eval_loss"]
    adapter = os.path.join(HERE, "adapter")
    trainer.save_model(adapter)
    shutil.rmtree(checkpoints, ignore_errors=True)
    tell(
        "done",
        steps=trainer.state.global_step,
        before=before,
        after=after,
        seconds=time.monotonic() - start,
        looks=looks,
    )


if __name__ == "__main__":
    main()
