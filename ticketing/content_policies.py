"""Content-Security-Policies: what the pages may load (kit/web/headers.py sends them)."""

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

# Only files of this site, so no host names need to be set. Inline scripts need the request's nonce:
# <script nonce="{{ request.csp_nonce }}">.
PAGES = {
    "default-src": [NONE],
    "script-src": [SELF, NONCE],
    "style-src": [SELF],
    "img-src": [SELF],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
# The theme's Alpine.js compiles expressions in attributes and sets `style` attributes.
ADMIN = PAGES | {
    "script-src": [SELF, NONCE, UNSAFE_EVAL],
    "style-src-attr": [UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
}
