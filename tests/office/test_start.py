"""What a command waits for: its help for no library at all, and what draws nothing for nothing to draw with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from office.__main__ import main

DRAWS = {"numpy", "PIL", "zxingcpp", "pyzbar", "reportlab", "segno"}
WEIGHS = DRAWS | {"cryptography", "pydantic", "cbor2", "videodev2", "gpiozero", "paho"}
CHILD = """\
import json, sys
from office.__main__ import main
for words in json.loads(sys.argv[1]):
    try:
        code = main(words)
    except SystemExit as ended:
        code = ended.code
    assert code == 0, words
print(*sys.modules, file=sys.stderr)
"""


def loaded(*commands: list[str], at: Path) -> set[str]:
    """Return what a fresh process has loaded once it has done *commands*, one after another, in the folder *at*."""
    child = [sys.executable, "-c", CHILD, json.dumps(commands)]
    done = subprocess.run(child, cwd=at, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_no_help_waits_for_a_library(tmp_path: Path) -> None:
    commands = ["init", "issue", "cards", "phone page", "revoke", "rotate", "roster import", "roster remove"]
    commands += ["bundle sign", "bundle show", "bundle diff", "policy check", "foreign-keys import", "phone", "bundle"]
    asked = [[*command.split(), "--help"] for command in ["", *commands]]
    modules = loaded(*asked, at=tmp_path)
    assert modules & WEIGHS == set()
    assert {"office.cli.cards", "office.cli.policy"} <= modules


def test_a_command_that_draws_nothing_loads_nothing_to_draw_with(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("empat kata acak di sini\n")
    (tmp_path / "numbers.csv").write_text("number,domain\n1,staff\n")
    word, desk, root = ["--passphrase-file", "word"], ["--desk", "meja"], ["--root", "meja/root.pub"]
    modules = loaded(
        ["init", *desk, *word],
        ["rotate", *desk, *word],
        ["revoke", *desk, "--issuer", "ID", "--hash", "0011223344556677"],
        ["roster", "import", *desk, "numbers.csv"],
        ["foreign-keys", "list", *desk],
        ["bundle", "sign", *desk, *word, "--out", "a"],
        ["bundle", "sign", *desk, *word, "--out", "b", "--handover"],
        ["bundle", "show", "b", *root],
        ["bundle", "diff", "b", "b", *root],
        ["policy", "check", *desk, "staff"],
        ["phone", "page", *desk, "--out", "page"],
        at=tmp_path,
    )
    assert modules & DRAWS == set()
    assert "cryptography" in modules


def test_the_name_that_the_command_had_does_the_same_and_says_the_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "word").write_text("empat kata acak di sini\n")
    desk = ["--desk", str(tmp_path / "meja")]
    assert main(["init", *desk, "--passphrase-file", str(tmp_path / "word")]) == 0
    capsys.readouterr()
    assert [main([name, "list", *desk]) for name in ("trust", "foreign-keys")] == [0, 0]
    old, new = capsys.readouterr(), "0 kunci / keys\n"
    assert (old.out, old.err) == (new * 2, "titik-office: trust kini bernama / is now called foreign-keys\n")
    with pytest.raises(SystemExit):
        main(["trust", "import", "--help"])
    assert capsys.readouterr().out.startswith("usage: titik-office foreign-keys import [-h] --desk DIR --issuer ISSUER")
