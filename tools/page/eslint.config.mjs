// Rules for the modules of the page; they need no package but eslint itself.
const browser = [
  "window", "document", "location", "history", "navigator", "fetch", "localStorage", "sessionStorage", "matchMedia",
  "requestAnimationFrame", "setTimeout", "clearTimeout", "devicePixelRatio", "innerHeight", "getComputedStyle", "addEventListener", "removeEventListener",
  "ResizeObserver", "EventTarget", "Event", "CustomEvent", "EventSource", "AbortController", "Blob", "File", "URL", "URLSearchParams",
  "Image", "TextEncoder", "TextDecoder", "OffscreenCanvas", "HTMLElement", "HTMLInputElement", "HTMLSelectElement", "HTMLCanvasElement", "SVGSVGElement",
  "Element", "Node", "Text", "btoa", "atob", "performance", "console",
];

export default [
  {
    files: ["src/handmade/lab/static/js/**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "error", "no-unused-vars": "error", "no-var": "error", "prefer-const": "error", eqeqeq: "error", "no-eval": "error",
      "no-implied-eval": "error", "no-new-func": "error", "no-shadow": "error", "no-unreachable": "error", "no-dupe-keys": "error",
      "no-redeclare": "error", "no-const-assign": "error", "no-fallthrough": "error", "no-self-compare": "error", "consistent-return": "off",
      "no-constant-condition": ["error", { checkLoops: false }], "no-empty": "error", "object-shorthand": "error", "prefer-template": "error",
      "max-lines": ["error", 500],
    },
  },
];
