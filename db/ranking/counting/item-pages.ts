/** Columns by item number come in pages of so many: what nobody asks for or counts takes no memory, and nothing is copied to grow. */

export const ITEM_PAGE_BITS = 12;
export const ITEM_PAGE_ROWS = 1 << ITEM_PAGE_BITS;
/** Place of an item in its page. */
export const ITEM_IN_PAGE = ITEM_PAGE_ROWS - 1;
