"""What is waited for in a new process."""


class Import:
    def timeraw_import(self):
        return "import sparsecode"

    def timeraw_coder(self):
        return "from sparsecode import SparseCoder"
