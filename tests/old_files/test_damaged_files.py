"""Old files of every kind, damaged at random: an answer or a sentence, no more."""

from benchmarks.fuzz_files import fuzz


def test_damaged_files_end_in_a_sentence() -> None:
    faults = [fault for _, fault in fuzz(500, seed=0) if fault]
    assert not faults, "\n".join(f"{f.kind}, {f.number}: {f.what}" for f in faults)
