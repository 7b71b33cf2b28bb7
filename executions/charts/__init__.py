"""Charts as SVG that the server writes: their geometry, their words, and the table that says the
same. Pure; `templates/charts/` draws them, and `static/js/charts.js` moves the crosshair."""
