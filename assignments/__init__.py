"""Classroom assignments: four source notebooks, and what hands them out and grades them.

``release`` makes the students' versions, ``grade`` grades a folder of submissions: one at a time, each in a
``sandbox``, where ``worker`` runs the student's code; ``judge`` runs the graded cells outside of it.
"""
