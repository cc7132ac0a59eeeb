"""Jobs about data models: one, very many, nested, big, and found by their fields.

Libraries that need a server of a database of their own (mincepy, artigraph, beanie) are left out.
"""

from __future__ import annotations

from benchmarks.model import KB, MB, Bar, Job, Limit, Scale, Side, size


def models(scale: Scale) -> list[Job]:
    return [*of_one(scale), *of_many(scale), *of_big_fields(scale), *of_finding(scale)]


def ours(function: str) -> Side:
    return Side("elliptio", "models", function, "ours")


def floor(name: str, function: str, leaves_out: str = "no hash, no record, no index") -> Side:
    return Side(name, "model_floors", function, "floor", leaves_out)


def of_one(scale: Scale) -> list[Job]:
    return [
        Job(
            "model-import",
            "import of the layer of data models",
            (ours("import_it"), Side("import elliptio", "ours", "import_it", "part")),
            (Bar("15 ms over import elliptio", 1, ("import elliptio",), plus=0.015),),
            rounds=scale.rounds,
        ),
        Job(
            "model-save",
            "save one data model of 5 fields and 1 KB",
            (ours("save_one"), Side("h.upload", "ours", "save_new_file", "part")),
            (Bar("1.2 × h.upload", 1.2, ("h.upload",)),),
            size=KB, rounds=scale.rounds * 2, times=10, synced=True,
        ),
        Job(
            "model-read",
            "read one data model of 5 fields and 1 KB",
            (ours("read_one"), Side("h.get + read", "ours", "get_and_read", "part")),
            (Bar("1.5 × (h.get + read)", 1.5, ("h.get + read",)),),
            size=KB, rounds=scale.rounds * 2, times=10,
        ),
    ]  # fmt: skip


def of_many(scale: Scale) -> list[Job]:
    return [
        Job(
            "model-many",
            f"save {scale.files:,} data models at once",
            (
                ours("save_many"),
                floor("JSON + flush", "write_json", "one file of all, no hash, no record"),
                Side("the system calls of the saves", "model_floors", "save_many_by_system_calls", "part"),
            ),
            (Bar("0.1 ms each", plus=scale.files * 1e-4),),
            count=scale.files, rounds=scale.rounds, synced=True,
            limit=Limit(
                "the system calls of the saves",
                "Each is an artifact of its own: two folders and two files that are made and renamed, and 30 rows by "
                "which it is found.",
            ),
        ),
        Job(
            "model-nested-save",
            f"save a data model of {scale.many_files:,} others",
            (ours("save_nested"), floor("JSON + flush", "write_json")),
            (Bar("100 ms", plus=0.1),),
            count=scale.many_files, rounds=scale.rounds, synced=True,
        ),
        Job(
            "model-nested-read",
            f"read a data model of {scale.many_files:,} others",
            (ours("read_nested"), floor("JSON", "read_json", "dicts, of no class; not verified")),
            (Bar("50 ms", plus=0.05),),
            count=scale.many_files, rounds=scale.rounds,
        ),
    ]  # fmt: skip


def of_big_fields(scale: Scale) -> list[Job]:
    bytes_ = min(100 * MB, scale.file)
    found = [
        Job(
            "model-open",
            f"open a data model with an array and a table of {size(bytes_)} each",
            (ours("open_big"),),
            (Bar("1 ms", plus=1e-3),),
            size=bytes_, rounds=scale.rounds, times=10,
        )
    ]  # fmt: skip
    for what, title, raw in (("array", "an array", "npy"), ("frame", "a table", "parquet")):
        for verb, flushed in (("save", " + flush"), ("read", "")):
            name = f"{raw}{flushed}"
            call = f"{'write' if verb == 'save' else verb}_{raw}"
            found.append(
                Job(
                    f"model-{what}-{verb}",
                    f"{verb} a data model with {title} of {size(bytes_)}",
                    (ours(f"{verb}_{what}"), floor(name, call)),
                    (Bar(f"1.15 × ({name})", 1.15, (name,)),),
                    size=bytes_, rounds=min(3, scale.rounds), synced=verb == "save",
                )
            )  # fmt: skip
    return found


def of_finding(scale: Scale) -> list[Job]:
    documents = max(each for each in scale.documents if each <= 100_000)
    return [
        Job(
            f"model-find-{name}",
            f"find {what}, {documents:,} data models",
            (ours(f"find_{name}"),),
            (Bar("10 ms", plus=0.01),),
            documents=documents, rounds=scale.rounds, times=5,
        )
        for name, what in (
            ("newest", "the newest 7 with a value of a field"),
            ("greatest", "the 7 with the greatest values of a field"),
        )
    ]  # fmt: skip
