{
    "name": "Provider of the Fault Trials",
    "summary": "Asks a program on the same machine, which counts what reached it",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Credit Management",
    "license": "LGPL-3",
    "depends": ["account_payment"],
    "installable": True,
}
