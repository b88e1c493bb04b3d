"""The cost of 25,000 records, which page numbers do not reach: each program on a mount of its own."""
from costs import TOOLS, assert_module
from harness import Emulator, case, main


def add_tool(name):
    @case(f"25,000 leads: {name}")
    def leads():
        with Emulator("Leads=25000") as emulator:
            assert_module(emulator, "Leads", 25000, (name,))


for tool_name in TOOLS:
    add_tool(tool_name)

if __name__ == "__main__":
    main()
