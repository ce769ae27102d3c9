"""No source of fecbench could run what it reads, and every template escapes."""

import ast
import re

import pytest

from tests.support import ROOT

SOURCES = [path for room in ("fecbench", "plugins") for path in sorted((ROOT / room).rglob("*.py"))]
MODULES = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "code"}
CALLS = re.compile(
    r"eval|exec|compile|__import__|os\.system|\w+\.read_pickle|.+\.(save_state|load_state)"
    r"|(torch|np|numpy|joblib)\.(load|save|dump)|yaml\.(unsafe_|full_)?load"
)
OPEN = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}
PAGES = [ROOT / "fecbench" / "results" / name for name in ("page", "data_page", "leaderboard/formats/page")]


def imported(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call by the dotted name that is called."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keywords(call: ast.Call) -> dict[str, object]:
    return {key.arg: key.value.value for key in call.keywords if key.arg and isinstance(key.value, ast.Constant)}


def offences(source: str) -> list[str]:
    """Return the calls in a source that could run code from data, or let a library do so."""
    tree = ast.parse(source)
    found = sorted(imported(tree) & MODULES)
    for name, call in calls(tree):
        given, (maker, _, how) = keywords(call), name.rpartition(".")
        found += [name] * bool(CALLS.fullmatch(name)) + [
            f"{name}: {key}" for key, value in OPEN.items() if given.get(key) is value
        ]
        if how in ("from_pretrained", "from_config") and given.get("trust_remote_code") is not False:
            found.append(f"{name} without trust_remote_code=False")
        if (
            how == "from_pretrained"
            and not re.search("Config|Tokenizer", maker)
            and given.get("use_safetensors") is not True
        ):
            found.append(f"{name} without use_safetensors=True")
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1),
        ("from dill import loads", 1),
        ("torch.load(path)", 1),
        ("np.load(path, allow_pickle=True)", 2),
        ("accelerator.save_state()", 1),
        ("AutoModel.from_pretrained(path)", 2),
        ("AutoTokenizer.from_pretrained(path, trust_remote_code=flag)", 1),
        ("tomllib.load(file); module.compile(); module.eval(); json.load(file)", 0),
    ],
)
def test_this_search_finds(source, count):
    assert len(offences(source)) == count


def test_no_source_reads_what_could_run():
    assert {
        str(path.relative_to(ROOT)): found for path in SOURCES if (found := offences(path.read_text(encoding="utf-8")))
    } == {}


def test_every_template_escapes():
    """Jinja doesn't escape by default; a template outside the page's environment must be Markdown and escape itself."""
    templates = (ROOT / "fecbench").rglob("*.jinja")
    others = {path.relative_to(ROOT).as_posix() for path in templates if path.parent not in PAGES}
    assert others == {"fecbench/results/export/card.md.jinja"}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    environments = [call for tree in trees for name, call in calls(tree) if name.rpartition(".")[2] == "Environment"]
    assert len(environments) == 1
    assert keywords(environments[0])["autoescape"] is True
    texts = [path.read_text() for folder in PAGES for path in folder.glob("*.jinja")]
    unescaped = re.findall(r"\{\{ ([^}|]+) \| safe", "".join(texts))
    assert sorted(unescaped) == ["script", "style", "style"]  # the page's own files
