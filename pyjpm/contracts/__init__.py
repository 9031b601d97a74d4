"""The compiled contracts, and the compiler that makes them.

``artifacts`` reads what ships in the package and needs no compiler; ``sources`` says what the artifacts are made of;
``compiler`` makes them, through py-solc-x.
"""
