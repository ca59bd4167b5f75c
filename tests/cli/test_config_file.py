from pathlib import Path

import pytest

from napari_edgeflow.cli import build_parser, main
from napari_edgeflow.cli.config_file import with_config

COMMAND = ["train", "semantic"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "training.toml"
    path.write_text(
        'epochs = 7\nrate = 2e-3\nloss = "ce+dice"\npairs = ["a", "b"]\n'
        'from_scratch = true\nresume = false\noutput = "out"\n'
    )
    return path


def test_a_file_gives_options_and_those_typed_win(file: Path) -> None:
    typed = [*COMMAND, "--epochs", "3", "--config", str(file), "--pairs", "c"]
    options = build_parser().parse_args(with_config(typed))
    assert options.epochs == 3
    assert options.rate == 2e-3
    assert options.loss == "ce+dice"
    assert options.pairs == [Path("a"), Path("b"), Path("c")]
    assert options.from_scratch
    assert not options.resume
    assert options.output == Path("out")


def test_the_file_may_be_bound_by_a_sign(file: Path) -> None:
    for kind in ("semantic", "clicks"):
        assert "--epochs=7" in with_config(["train", kind, f"--config={file}"])


@pytest.mark.parametrize(
    "arguments",
    [[], ["models"], [*COMMAND, "--epochs", "3"], ["segment", "--config", "a"]],
)  # fmt: skip
def test_other_commands_are_left_alone(arguments: list[str]) -> None:
    assert with_config(arguments) == arguments


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs 7", "is not TOML"),
        ("[part]\nepochs = 7", "part is {'epochs': 7}: use a text"),
    ],
)
def test_what_is_no_option_is_told(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    assert main([*COMMAND, "--config", str(path)]) == 2
    assert message in capsys.readouterr().err
    assert main([*COMMAND, "--config", str(tmp_path / "missing.toml")]) == 2


def test_names_and_values_are_checked_as_if_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.toml"
    for text, message in (("epoch_count = 3", "--epoch-count"),
                          ("epochs = 'many'", "invalid int value")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(SystemExit):
            main([*COMMAND, "--output", "x", "--config", str(path)])
        told = capsys.readouterr().err
        assert message in told
        assert f"look for it in {path}" in told
