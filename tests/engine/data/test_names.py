import pytest

from napari_edgeflow.engine.data.names import NameIndex, inner_names, output_stems


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.jpg", "a.jpg"),
        ("./x/a.jpg", "x/a.jpg"),
        ("images\\a.jpg", "images/a.jpg"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("/home/user/data/a.jpg", "a.jpg"),
        ("..\\..\\upload\\4\\a.jpg", "a.jpg"),
        ("x/../y/a.jpg", "y/a.jpg"),
        ("https://host/b/a%20b.jpg?key=1&x=2", "a b.jpg"),
        ("/data/local-files/?d=set/a.jpg", "a.jpg"),
    ],
)
def test_names_of_others_lie_inside_a_folder(written: str, name: str) -> None:
    assert inner_names([written]) == [name]


def test_what_leads_out_stays_apart() -> None:
    written = ["/data/cam1/1.jpg", "in/1.jpg", "D:\\data\\cam2\\1.jpg"]
    assert inner_names(written) == ["cam1/1.jpg", "in/1.jpg", "cam2/1.jpg"]
    urls = ["s3://bucket/a/1.jpg", "s3://bucket/b/1.jpg"]
    assert inner_names(urls) == ["a/1.jpg", "b/1.jpg"]


def test_labels_of_two_images_have_two_names() -> None:
    names = ["a.jpg", "a.png", "x/a.jpg", "b.tif"]
    assert list(output_stems(names).values()) == ["a.jpg", "a.png", "x/a", "b"]
    assert list(output_stems(["A.jpg", "a.jpg"]).values()) == ["A.jpg_2", "a.jpg"]
    flat = output_stems(["c1/1.jpg", "c2/1.jpg", "d/2.jpg"], flat=True)
    assert list(flat.values()) == ["c1_1", "c2_1", "2"]
    words = output_stems(["a b.jpg", "a_b.jpg"], flat=True, words=True)
    assert len({name.casefold() for name in words.values()}) == 2
    assert not any(" " in name for name in words.values())


def test_names_are_found_by_as_much_of_a_path_as_there_is() -> None:
    index = NameIndex(["images/c1/1.jpg", "images/c2/1.jpg", "images/2.JPG"])
    assert index.find("c2/1.jpg") == "images/c2/1.jpg"
    assert index.find("elsewhere/2.jpg") == "images/2.JPG"
    assert index.find("2.png") is None
    assert index.find_any("2.png") == "images/2.JPG"
    assert index.find_any("c1/1.png") == "images/c1/1.jpg"
    with pytest.raises(ValueError, match=r"'1\.png' may be 'images/c1/1\.jpg' or"):
        index.find_any("1.png")
    both = NameIndex(["a.jpg", "a.png"])
    assert both.find_any("a.jpg.tif") == "a.jpg"
