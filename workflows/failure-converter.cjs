// CommonJS, since Temporal's SDK loads it with require().
const { DefaultFailureConverter } = require('@temporalio/common');

/** Puts messages and stack traces of failures where a codec seals them. */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
