"""The console: pages for officers, auditors and enterprises, rendered by the server.

A page calls the same functions of the ledger as the API and renders plain data with a template;
steps go through the same functions too, so that nothing is allowed here that is not elsewhere.
Every page works without scripts; scripts only make it quicker.
"""
