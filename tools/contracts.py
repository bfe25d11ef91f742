"""The contract on stores, for import-linter."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output

STORE = "store"


class PrivateStores(Contract):
    """A module or package called `store` is imported only from inside the package that it lies in."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  # import-linter's
        """Lists every import of a store from outside, as `importer -> store (line)`."""
        found = []
        for store in sorted(module for module in graph.modules if module.rpartition(".")[2] == STORE):
            owner = store.rpartition(".")[0]
            for importer in sorted(graph.find_modules_that_directly_import(store)):
                if not f"{importer}.".startswith(f"{owner}."):
                    line = graph.get_import_details(importer=importer, imported=store)[0]["line_number"]
                    found.append(f"{importer} -> {store} (l.{line})")
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints the list."""
        for each in check.metadata["found"]:
            output.print_error(f"- {each}")
