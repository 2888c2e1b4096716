//! What tells languages written in Latin letters apart, beside their stop words.

/// Letters beyond ASCII that speak for a language, with the points of each occurrence; a letter
/// that several languages use stands in each.
pub(super) const LETTERS: &[(&str, &str, i32)] = &[
    ("de", "äöüß", 3),
    ("de", "ß", 6),
    ("es", "ñ", 8),
    ("es", "áéíóú", 2),
    ("pt", "ãõ", 8),
    ("pt", "çáéíóúâêô", 2),
    ("fr", "éèêàçùûîôœ", 3),
    ("fr", "œëï", 3),
    ("it", "àèéìòù", 3),
    ("it", "ìò", 5),
    ("ca", "àèéíïòóúç", 2),
    ("sv", "åäö", 3),
    ("da", "æøå", 3),
    ("no", "æøå", 3),
    ("fi", "äö", 3),
    ("pl", "ąęłśżźćń", 6),
    ("cs", "ěščřžýáíéůú", 4),
    ("cs", "ěřů", 6),
    ("sk", "ľĺŕäôšžčťý", 4),
    ("sk", "ľĺŕ", 8),
    ("hu", "őű", 8),
    ("hu", "áéíóöü", 2),
    ("ro", "ășțşţ", 6),
    ("ro", "âî", 3),
    ("tr", "ışğ", 6),
    ("tr", "çöü", 2),
    (
        "vi",
        "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
        4,
    ),
    ("nl", "ëï", 2),
];

/// Words that are common enough in short texts to tell a language, folded, separated by spaces.
pub(super) const WORDS: &[(&str, &str)] = &[
    (
        "en",
        "all and any file files if more not one only other out set specific specified this \
         use using when where who with without",
    ),
    (
        "de",
        "alle aller alles angegebene angegebenen anzeigen beispiel datei dateien erstelle \
         fuhre gib ihre jede kann kein keine mehr nicht offne ohne unter uber verwende zeige \
         weitere informationen bestimmte bestimmten",
    ),
    (
        "es",
        "archivo archivos cada cuando desde donde entre esta hasta informacion lista mediante \
         muestra no nombre sobre sin tambien todo todos todas utiliza usando especifico crea \
         muchos parte puede dos fueron durante",
    ),
    (
        "pt",
        "arquivo arquivos cada entre exibe exibir informacoes lista mais mostra nao numero \
         onde pasta sem sobre tambem todos todas usando utilizando executa especifico cria \
         diretorio ate apos voce deste dados",
    ),
    (
        "fr",
        "affiche afficher aussi chaque comme dossier entre etre fait fichier fichiers liste \
         ne pas plus repertoire sans sous specifique tous tout toutes utilisateur utilise \
         vers informations selon cree depuis",
    ),
    (
        "it",
        "anche cui dopo essere file fino mostra nome non ogni prima quando senza solo stampa \
         tutti tutte utilizzando usando specifico crea elenca questi stato informazioni",
    ),
    (
        "nl",
        "alle bestand bestanden geen hun meer niet onder tussen toon geef weer",
    ),
    ("sv", "alla filer fil inte mellan utan visa ar och efter"),
    (
        "da",
        "alle efter fil filer ikke mellem uden vis blev ogsa af",
    ),
    (
        "no",
        "alle etter fil filer ikke mellom uten vis ble ogsa av",
    ),
    ("fi", "ei ole kaikki ovat tiedosto tiedostot nayta"),
    (
        "pl",
        "nie plik pliki plikow wyswietl wszystkie bez okreslony uzywajac",
    ),
    ("cs", "neni soubor soubory bez vsechny zobrazi jejich podle"),
    (
        "sk",
        "nie subor subory bez vsetky alebo ako ktory ktora pre sa na je su",
    ),
    ("hu", "nem fajl fajlok minden nelkul csak"),
    ("ro", "nu fisier fisiere toate fara dupa intre"),
    (
        "tr",
        "degil dosya dosyalari tum goster belirli kullanarak belirtilen",
    ),
    (
        "vi",
        "cua va la cac cho mot trong duoc khong voi tap tin nhung",
    ),
    (
        "id",
        "tidak berkas semua tanpa menampilkan menggunakan sebuah tertentu suatu",
    ),
    (
        "ca",
        "amb fitxer fitxers tots sense aquest aquesta mostra dels els",
    ),
];
