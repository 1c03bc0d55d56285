"""What is written for people can be typed: each command in a document, a help text or a hint is one of a program's."""

import argparse
import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import central.__main__
import device.__main__
import office.__main__
from device.verdict.ruleset import KEPT
from tests.support.world import REPOSITORY

PARSERS = {
    "titik": device.__main__._parser,
    "titik-central": central.__main__._parser,
    "titik-office": office.__main__._parser,
}
DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
PLANS = {"design.md"}
"""What names commands that are not built yet, and says so: *(not yet)*."""
HINT = re.compile(
    r"(?:(?:(?:Next|next|then|sees|network): |then |or |sudo |`)titik"
    r"|(?:: |then |or |sudo |`)titik-\w+) [a-z][^;`,(\n]*"
)
"""A command in a text; after a mere colon *titik* is the Indonesian word."""
CHAINED = re.compile(r" (?:&&|\|\|?|<|>) |; ")


def _name(document: Path) -> str:
    return str(document.relative_to(REPOSITORY))


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the commands under *parser*, by name."""
    under = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return {} if not under else dict(under[0].choices)


def _all(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for one in _verbs(parser).values():
        yield from _all(one)


def _typed(line: str) -> Iterator[list[str]]:
    """Yield the words of each of our commands in a line as people type it."""
    for part in CHAINED.split(line.strip().removeprefix("$ ")):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            continue  # an apostrophe: a sentence
        if words[:1] == ["sudo"]:
            words = words[1:]
        if words and words[0] in PARSERS:
            yield words


def _strange(words: list[str]) -> str | None:
    """Return what of a command its program does not know, ``None`` if it knows all of it."""
    parser = PARSERS[words[0]]()
    rest = words[1:]
    while rest and (verbs := _verbs(parser)) and not rest[0].startswith("-"):
        word = rest.pop(0).rstrip(".:")
        if word not in verbs:
            return word
        parser = verbs[word]
    options = [word.split("=")[0].rstrip(".,:)") for word in rest if re.match("--[a-z]", word)]
    return next((option for option in options if option not in parser._option_string_actions), None)


def _blocks(text: str) -> list[str]:
    """Return the lines of a document that stand in blocks of code."""
    return [line for line in text.splitlines() if re.match(r"    +\S", line)]


def _spans(text: str) -> list[str]:
    """Return what stands between backticks in its sentences and tables."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", prose)]


def _hints(file: Path) -> list[str]:
    """Return the commands that the texts of a module name."""
    told = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [one.value if isinstance(one, ast.Constant) else "X" for one in node.values]
            told.append("".join(str(part) for part in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            told.append(node.value)
    return [found[found.index("titik") :].strip() for text in told for found in HINT.findall(text)]


@pytest.mark.parametrize("program", PARSERS)
def test_every_command_has_an_example_of_itself_in_its_help_and_each_example_is_a_whole_command(program: str) -> None:
    without = []
    for parser in _all(PARSERS[program]()):
        lines = f"{parser.epilog or ''}".splitlines()
        examples = [words for line in lines for words in _typed(re.sub("^.*example: ", "", line))]
        for words in examples:
            assert words[0] == program
            PARSERS[program]().parse_args(words[1:])  # leaves by SystemExit where it cannot be parsed
        own = parser.prog.split()
        without += [parser.prog] if not _verbs(parser) and own not in [words[: len(own)] for words in examples] else []
    assert without == []


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.name not in PLANS], ids=_name)
def test_every_command_in_a_document_is_one_of_the_programs(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for line in _blocks(text):
        for words in _typed(line):
            PARSERS[words[0]]().parse_args(words[1:])
    strange = [(span, what) for span in _spans(text) for words in _typed(span) if (what := _strange(words))]
    assert strange == []


def _commands(program: str) -> set[str]:
    """Return the whole commands of *program*, without their arguments."""

    def leaves(parser: argparse.ArgumentParser, before: str) -> Iterator[str]:
        under = _verbs(parser)
        if not under:
            yield before
        for word, one in under.items():
            yield from leaves(one, f"{before} {word}")

    return set(leaves(PARSERS[program](), program))


def _listed(line: str) -> Iterator[str]:
    """Yield the commands of a line such as ``titik scan IMAGE… · queue list|export``, with their program."""
    for span in _spans(line):
        program, _, rest = span.partition(" ")
        for one in rest.split(" · ") if program in PARSERS else ():
            *before, last = [word for word in one.split() if not word.isupper() and "…" not in word]
            yield from (" ".join([program, *before, word]) for word in last.split("|"))


def test_the_contract_says_of_each_command_whether_it_is_there() -> None:
    text = (REPOSITORY / "docs" / "design.md").read_text(encoding="utf-8")
    lines = text.partition("## The commands people type\n")[2].split("\n(")[0].splitlines()
    there, planned = lines[:-1], lines[-1]
    assert planned.startswith("*(not yet)*: `titik ")
    built = {command for line in there for command in _listed(line)}
    assert built == {command for program in PARSERS for command in _commands(program)}
    assert set(_listed(planned)) & built == set()


@pytest.mark.parametrize("folder", ["device", "central", "office"])
def test_every_command_that_a_program_tells_people_to_type_exists(folder: str) -> None:
    hints = [(file.name, hint) for file in sorted((REPOSITORY / folder).rglob("*.py")) for hint in _hints(file)]
    assert len(hints) > 4
    assert [
        (name, hint, what) for name, hint in hints for words in _typed(hint) if (what := _strange(words)) is not None
    ] == []


def test_the_trust_bundle_has_one_name_wherever_somebody_reads_of_its_file() -> None:
    """What a station keeps of it in its own folder is nobody's to type."""
    texts = [*DOCUMENTS, *(REPOSITORY / "examples").iterdir(), *(REPOSITORY / "systemd").iterdir()]
    texts += [
        path for folder in ("device", "central", "office", "demo") for path in (REPOSITORY / folder).rglob("*.py")
    ]
    named = {
        (name, text.name)
        for text in texts
        if text.is_file()
        for name in re.findall(r"(?<![\w-])(?:trust|bundle)\.(?:cbor|cose|bin)\b", text.read_text(encoding="utf-8"))
    }
    assert {name for name, _ in named} == {"trust.cbor", KEPT}
    assert {text for name, text in named if name == KEPT} == {"architecture.md", "ruleset.py"}


@pytest.mark.parametrize("file", sorted((REPOSITORY / "systemd").glob("*.service")), ids=lambda one: one.name)
def test_every_command_of_a_unit_is_a_whole_one_of_the_program_that_the_readme_installs(file: Path) -> None:
    lines = re.findall(r"^(?:# *)?ExecStart=(\S.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert lines
    for line in lines:
        program, *words = line.split()
        folder, _, name = program.rpartition("/")
        assert (folder, name in PARSERS) == ("/opt/titik/venv/bin", True)
        PARSERS[name]().parse_args(words)


def test_the_programs_are_found_by_their_names_wherever_the_readme_installs_them() -> None:
    """Sudo's path has /usr/local/bin and no virtual environment."""
    told = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert sorted(told) == sorted(PARSERS)
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    installs = [line for line in readme.splitlines() if "install --no-deps --no-build-isolation" in line]
    assert [line.rpartition(" && ")[2] for line in installs] == [
        f"sudo ln -sf /opt/titik/venv/bin/{program} /usr/local/bin/" for program in ("titik", "titik-central")
    ]
    assert {
        document: re.findall(r"\S*venv/bin/titik\S*", document.read_text(encoding="utf-8")) for document in DOCUMENTS
    } == {
        one: ["/opt/titik/venv/bin/titik", "/opt/titik/venv/bin/titik-central"] * (one == REPOSITORY / "README.md")
        for one in DOCUMENTS
    }


def test_every_file_that_a_document_tells_to_install_or_run_is_there() -> None:
    named = {
        word
        for document in DOCUMENTS
        if document.name not in PLANS
        for line in [*_blocks(document.read_text(encoding="utf-8")), *_spans(document.read_text(encoding="utf-8"))]
        for word in re.findall(
            r"(?:^|\s|/opt/titik/)((?:examples|systemd|requirements|tools|docs|schemas)/[\w./-]+)", line
        )
    }
    assert len(named) > 8
    assert [name for name in sorted(named) if not (REPOSITORY / name.rstrip(".")).exists()] == []
