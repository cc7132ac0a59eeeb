"""Choose the artifacts of a large lineage that get a box of their own in a picture."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from elliptio.lineage.drawing.nodes import DeadEnd, Link, Node, family

MOST_IN_A_CHAIN = 6
MOST_ALIKE = 16
"""Limit of artifacts with the same parents and the same children that are drawn."""

Box: TypeAlias = str | int
"""An identifier, or the number of a fold."""


@dataclass
class Folded:
    """A lineage to be drawn.

    Attributes
    ----------
    boxes
        Identifiers, and numbers of folds.
    edges
        (parent, child)
    folds
        How many artifacts a fold stands for.
    left_out
        Artifacts that are too far away to be drawn at all.

    """

    boxes: list[Box]
    edges: list[tuple[Box, Box]]
    folds: dict[Box, int]
    left_out: int = 0

    def replace(self, groups: Sequence[Sequence[Box]]) -> None:
        """Let a new fold take the place of each group of boxes."""
        taken: dict[Box, Box] = {}
        for group in groups:
            number = len(self.folds)
            self.folds[number] = len(group)
            taken |= dict.fromkeys(group, number)
        self.boxes = list(dict.fromkeys(taken.get(box, box) for box in self.boxes))
        moved = ((taken.get(one, one), taken.get(other, other)) for one, other in self.edges)
        self.edges = [edge for edge in dict.fromkeys(moved) if edge[0] != edge[1]]

    def parents(self) -> dict[Box, list[Box]]:
        """List the parents of each box."""
        found: dict[Box, list[Box]] = {box: [] for box in self.boxes}
        for one, other in self.edges:
            found[other].append(one)
        return found

    def children(self) -> dict[Box, list[Box]]:
        """List the children of each box."""
        found: dict[Box, list[Box]] = {box: [] for box in self.boxes}
        for one, other in self.edges:
            found[one].append(other)
        return found


def fold(nodes: Sequence[Node], links: Sequence[Link], asked: str, most: int) -> Folded:
    """Fold the middle of long chains and all but a few that are alike; of the rest keep the nearest."""
    edges: list[tuple[Box, Box]] = [(parent, child) for child, parent in family(nodes, links)]
    folded = Folded([node.artifact_id for node in nodes], edges, {})
    folded.replace(_alike(folded, asked, {node.artifact_id for node in nodes if isinstance(node, DeadEnd)}))
    folded.replace(_chains(folded, asked))
    _keep_nearest(folded, asked, most)
    return folded


def _alike(folded: Folded, asked: str, lost: Set[Box]) -> list[list[Box]]:
    """Find, of each large group with the same neighbours, those that are too many; artifacts and lost runs apart."""
    parents, children = folded.parents(), folded.children()
    groups: dict[tuple[frozenset[Box], frozenset[Box], bool], list[Box]] = {}
    for box in folded.boxes:
        if box != asked:
            groups.setdefault((frozenset(parents[box]), frozenset(children[box]), box in lost), []).append(box)
    return [group[MOST_ALIKE - 1 :] for group in groups.values() if len(group) > MOST_ALIKE]


def _chains(folded: Folded, asked: str) -> list[list[Box]]:
    """Find the middle of each long chain of artifacts that have one parent and one child."""
    parents, children = folded.parents(), folded.children()

    def is_inside(box: Box) -> bool:
        return len(parents[box]) == len(children[box]) == 1 and box != asked and box not in folded.folds

    chains = []
    for box in folded.boxes:
        if is_inside(box) and not is_inside(parents[box][0]):
            chain = [box]
            while is_inside(following := children[chain[-1]][0]):
                chain.append(following)
            if len(chain) > MOST_IN_A_CHAIN:
                chains.append(chain[2:-2])
    return chains


def _keep_nearest(folded: Folded, asked: str, most: int) -> None:
    parents, children = folded.parents(), folded.children()
    near: dict[Box, None] = {asked: None}
    waiting: list[Box] = [asked]
    for box in waiting:
        for other in (*parents[box], *children[box]):
            if other not in near and len(near) < most:
                near[other] = None
                waiting.append(other)
    far = [box for box in folded.boxes if box not in near]
    folded.left_out = sum(folded.folds.get(box, 1) for box in far)
    folded.boxes = [box for box in folded.boxes if box in near]
    folded.edges = [edge for edge in folded.edges if edge[0] in near and edge[1] in near]
