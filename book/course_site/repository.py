"""One setting, ``repository_url`` in _config.yml: buttons for the source, Binder, Colab and JupyterHub, or none."""


def buttons(app, config):
    """Show the buttons that lead to the repository if it has an address; the theme fails on those without."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options.update(use_repository_button=True, use_source_button=True, use_issues_button=True)
    else:
        options.pop("launch_buttons", None)


def setup(app):
    app.connect("config-inited", buttons)
