"""Two builds of the same source in two folders give the same bytes."""

import builds


def test_two_builds_in_two_folders_are_equal(dist):
    copy = builds.COPY / "dist"
    names = sorted(file.name for file in dist.iterdir())
    assert names == sorted(file.name for file in copy.iterdir())
    assert len(names) == 8
    different = [name for name in names if (dist / name).read_bytes() != (copy / name).read_bytes()]
    assert different == []

    # Each folder has compiled the module itself.
    compiled = [next(root.glob("target/package/*/release/libjrs.so")) for root in (builds.ROOT, builds.COPY)]
    assert compiled[0].stat().st_ino != compiled[1].stat().st_ino
