// Repairs what the theme leaves for people who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  const all = (selector, change) => document.querySelectorAll(selector).forEach(change);
  // A button's name must contain the words it shows.
  all(".search-button-field", (button) => button.removeAttribute("aria-label"));
  // Everything on the page belongs to a landmark.
  all(".bd-sidebar-primary", (sidebar) => {
    sidebar.setAttribute("role", "navigation");
    sidebar.setAttribute("aria-label", "Course");
  });
  // These roles are deprecated, or promise a list where there is none.
  all("[role=doc-biblioentry], .citation-list", (entry) => entry.removeAttribute("role"));
  // Only a formula that can be scrolled is a stop of the tab key; a tenth to spare, for fonts that come later.
  all(".math > mjx-container[tabindex]", (formula) => {
    const drawn = formula.querySelector("mjx-math").offsetWidth;
    if (drawn < 0.9 * formula.parentElement.clientWidth) formula.removeAttribute("tabindex");
  });
});
