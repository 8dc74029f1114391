/** Lone surrogates become U+FFFD: neither UTF-8 nor percent-encoding can hold them. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** Text that may stand in a header: printable ASCII, one line, not long. */
export const headerText = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 1000);
