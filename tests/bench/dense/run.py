"""Dense retrieval beside other libraries, on the same vectors in one run.

    python3 run.py --vectors DIR --littoral target/release/examples/dense [--out FILE]

DIR is what `dense export` or `dense draw` wrote. Prints three tables and writes the figures as JSON:

codes    what a stored vector costs and keeps: 1-bit RaBitQ, 4-bit product quantisation, scalar codes
         (FAISS, every vector compared) beside Littoral's, all cells read
indexes  recall@10 against queries a CPU second, build seconds and memory of usearch, hnswlib, FAISS
         IVF and sqlite-vec, one thread, beside Littoral's
cold     bytes and round trips of the dense leg for a query that has read nothing yet, beside entry and rotation;
         no peer reads lazily

Each engine runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import time
from pathlib import Path

import numpy as np

DIMS = 384
K = 10


def read(folder, name):
    return np.fromfile(folder / f"{name}.f32", dtype="<f4").reshape(-1, DIMS)


def recall(found, exact):
    return float(np.mean([len(set(f) & set(e)) / K for f, e in zip(found, exact)]))


def exact_neighbours(base, queries):
    found = []
    for query in queries:
        scores = base @ query
        top = np.argpartition(-scores, K)[:K]
        found.append(top)
    return np.array(found)


def codes(folder):
    """Recall of codes when every vector is compared, and bytes a vector."""
    import faiss

    faiss.omp_set_num_threads(1)
    base, queries = read(folder, "base"), read(folder, "queries")
    exact = exact_neighbours(base, queries)
    rows = []
    for name, factory in [
        ("RaBitQ, 1 bit", "RaBitQ"),
        ("scalar, 4 bits", "SQ4"),
        ("scalar, 6 bits", "SQ6"),
        ("scalar, 8 bits", "SQ8"),
        ("product, 48 B", "PQ96x4fs"),
        ("product, 96 B", "PQ192x4fs"),
    ]:
        index = faiss.index_factory(DIMS, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(base)
        index.add(base)
        found = index.search(queries, 4 * K)[1]
        kept = float(np.mean([len(set(f) & set(e)) / K for f, e in zip(found, exact)]))
        rows.append(
            {
                "name": name,
                "bytes": len(faiss.serialize_index(index)) / len(base),
                "recall@10": recall(found[:, :K], exact),
                "kept in 40": kept,
            }
        )
    return rows


def usearch_index(base):
    from usearch.index import Index

    index = Index(ndim=DIMS, metric="ip", dtype="i8")
    index.add(np.arange(len(base)), base, threads=1)

    def search(query, effort):
        index.expansion_search = effort
        return index.search(query, K, threads=1).keys

    return search, [16, 32, 64, 128, 256]


def hnswlib_index(base):
    import hnswlib

    index = hnswlib.Index(space="ip", dim=DIMS)
    index.init_index(max_elements=len(base), ef_construction=200, M=16)
    index.set_num_threads(1)
    index.add_items(base, num_threads=1)

    def search(query, effort):
        index.set_ef(effort)
        return index.knn_query(query, k=K, num_threads=1)[0][0]

    return search, [16, 32, 64, 128, 256]


def faiss_index(base):
    import faiss

    faiss.omp_set_num_threads(1)
    lists = max(16, int(len(base) ** 0.5))
    index = faiss.index_factory(DIMS, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(base)
    index.add(base)

    def search(query, effort):
        index.nprobe = effort
        return index.search(query[None], K)[1][0]

    return search, [2, 4, 8, 16, 32, 64]


def sqlite_index(base):
    import sqlite3

    import sqlite_vec

    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    sqlite_vec.load(db)
    db.execute(f"create virtual table v using vec0(e float[{DIMS}])")
    rows = ((i, row.tobytes()) for i, row in enumerate(base))
    db.executemany("insert into v(rowid, e) values (?, ?)", rows)

    def search(query, _):
        sql = "select rowid from v where e match ? and k = ? order by distance"
        return [row[0] for row in db.execute(sql, (query.tobytes(), K))]

    return search, [0]


PEERS = {
    "usearch i8": usearch_index,
    "hnswlib f32": hnswlib_index,
    "FAISS IVF SQ8": faiss_index,
    "sqlite-vec": sqlite_index,
}


def peer(name, folder):
    base, queries = read(folder, "base"), read(folder, "queries")
    exact = exact_neighbours(base, queries)
    before, started = time.process_time(), time.time()
    search, efforts = PEERS[name](base)
    build = {"seconds": time.time() - started, "cpu_seconds": time.process_time() - before}
    runs = []
    for effort in efforts:
        for query in queries[:20]:
            search(query, effort)
        before = time.process_time()
        found = [search(query, effort) for query in queries]
        seconds = time.process_time() - before
        runs.append(
            {
                "effort": effort,
                "recall@10": recall(found, exact),
                "queries_per_cpu_second": len(queries) / seconds,
            }
        )
    build["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"name": name, "build": build, "runs": runs}


def apart(function, *arguments):
    """Runs a function in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def measured_peers(folder):
    """What the peers do; one that does not run here is named with the reason, and costs no other its figures."""
    peers = []
    for name in PEERS:
        try:
            peers.append(apart(peer, name, folder))
        except Exception as error:  # noqa: BLE001, whatever a library throws
            print(f"{name} does not run here: {error}")
    return peers


def littoral(program, folder, rescore):
    command = [program, "measure", str(folder), str(rescore)]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    measured["name"] = f"Littoral, {rescore} rescored" if rescore else "Littoral"
    return measured


def best(runs, floor):
    """The quickest run that reaches a recall, else the one of the highest."""
    good = [run for run in runs if run["recall@10"] >= floor]
    if good:
        return max(good, key=lambda run: run["queries_per_cpu_second"])
    return max(runs, key=lambda run: run["recall@10"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--littoral", required=True)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder = options.vectors

    ours = [littoral(options.littoral, folder, rescore) for rescore in (0, 40)]
    peers = measured_peers(folder)
    of_codes = apart(codes, folder)
    for measured in ours:
        whole = max(measured["runs"], key=lambda run: run["probes"])
        of_codes.append(
            {
                "name": measured["name"],
                "bytes": measured["build"]["vector_bytes"] / measured["n"],
                "recall@10": whole["recall@10"],
                "kept in 40": None,
            }
        )

    print(f"{ours[0]['n']} vectors of {DIMS} dimensions\n")
    print(f"{'codes':24}{'bytes':>9}{'recall@10':>11}{'kept in 40':>12}")
    for row in of_codes:
        kept = "" if row["kept in 40"] is None else f"{row['kept in 40']:.3f}"
        print(f"{row['name']:24}{row['bytes']:9.1f}{row['recall@10']:11.3f}{kept:>12}")

    print(f"\n{'index':24}{'recall@10':>11}{'queries/s':>11}{'build s':>9}{'peak MB':>9}")
    for measured in ours + peers:
        run, build = best(measured["runs"], options.recall), measured["build"]
        print(
            f"{measured['name']:24}{run['recall@10']:11.3f}{run['queries_per_cpu_second']:11.0f}"
            f"{build['cpu_seconds']:9.1f}{build['peak_rss_bytes'] / 1e6:9.0f}"
        )
    own = best(ours[1]["runs"], options.recall)["queries_per_cpu_second"]
    for measured in peers:
        other = best(measured["runs"], options.recall)["queries_per_cpu_second"]
        print(f"queries a second, Littoral / {measured['name']}: {own / other:.2f}")

    print(f"\n{'cold':24}{'probes':>8}{'recall@10':>11}{'kB':>9}{'rounds':>8}")
    for run in ours[0]["runs"]:
        cold = run["cold"]
        print(
            f"{'Littoral':24}{run['probes']:8}{run['recall@10']:11.3f}"
            f"{cold['bytes'] / 1e3:9.1f}{cold['round_trips']:8.1f}"
        )
    if options.out:
        options.out.write_text(json.dumps({"codes": of_codes, "ours": ours, "peers": peers}))


if __name__ == "__main__":
    main()
