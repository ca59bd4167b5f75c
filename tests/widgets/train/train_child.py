"""Stands in for the training: prints reports as the command does, then obeys.

It is started with the arguments of the command; the first one says how it behaves.
"""

import json
import shutil
import signal
import sys
import time
from pathlib import Path

EPOCHS = 3


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


def position(epoch: int) -> dict[str, object]:
    return {
        "step": 5 * epoch, "samples": 40 * epoch, "seconds": 1.0 * epoch,
        "progress": min(epoch / EPOCHS, 1.0), "rate": 1e-3, "memory": 2_000_000_000,
        "samples_per_second": 8.0, "losses": {"loss": 1 / (epoch + 1)},
        "seconds_left": 60.0 * (EPOCHS - epoch),
    }  # fmt: skip


def show_epoch(epoch: int) -> None:
    say("step", **position(epoch))
    classes = {"background": 0.9, "nucleus": 0.2 * epoch + 0.1, "rare": None}
    validation = {"score": 0.2 * epoch, "classes": classes, "loss": 0.5}
    say("epoch", epoch=epoch, validation=validation, best=True, **position(epoch))


def main() -> int:
    manner, model, *arguments = sys.argv[1:]
    output = Path(arguments[arguments.index("folder") + 1])
    output.mkdir(parents=True, exist_ok=True)
    (output / "arguments.json").write_text(json.dumps(arguments))
    if manner == "refuse":
        print("napari-edgeflow: the rate is odd", file=sys.stderr)
        say("error", text="the rate is odd")
        return 2
    if manner == "crash":
        print("a library says hello")
        print("Segmentation fault", file=sys.stderr, flush=True)
        return 134
    if manner == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("message", text="training on 8 images, validation on 2")
    shutil.copytree(model, output, dirs_exist_ok=True)
    (output / "training-state.pt").touch()
    # Who sees the epoch may kill this process at once: the checkpoint is there by then.
    show_epoch(1)
    while manner in ("wait", "deaf"):
        time.sleep(0.02)
        if manner == "wait" and (output / "stop").exists():
            (output / "stop").unlink()
            ending = {"reason": "stopped", "text": "as asked"}
            say("done", output=str(output), score=0.2, **ending)
            return 0
    for epoch in range(2, EPOCHS + 1):
        show_epoch(epoch)
    say("done", output=str(output), score=0.6, reason="finished", text="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
