// Light, dark, or as the system has it.
import { iconButton } from "./dom.js";

const KEY = "bana-bo-theme";
const NEXT = { auto: "light", light: "dark", dark: "auto" };
const LABELS = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

const stored = () => (Object.hasOwn(NEXT, localStorage.getItem(KEY) ?? "") ? localStorage.getItem(KEY) : "auto");

export function applyTheme(theme = stored()) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function themeSwitch() {
  const theme = stored();
  const element = iconButton(theme, LABELS[theme], {
    data: { act: "theme" },
    click() {
      localStorage.setItem(KEY, NEXT[theme]);
      applyTheme();
      const next = themeSwitch();
      element.replaceWith(next);
      next.focus();
    },
  });
  return element;
}
