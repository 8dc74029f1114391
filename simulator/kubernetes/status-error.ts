const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** An answer other than success; it reaches the client as a `Status` object. */
export class StatusError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly reason = REASONS[status] ?? 'Unknown',
    readonly details?: Record<string, unknown>,
  ) {
    super(message);
  }

  static from(error: unknown): StatusError {
    if (error instanceof StatusError) return error;
    const { status, message } = (typeof error === 'object' && error ? error : {}) as Partial<StatusError>;
    const code = Number.isInteger(status) && status! >= 400 && status! < 600 ? status! : 500;
    return new StatusError(code, message ?? String(error));
  }

  body(): Record<string, unknown> {
    const { message, reason, details, status } = this;
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      details,
      code: status,
    };
  }
}

export const notFound = (resource: string, name: string): StatusError =>
  new StatusError(404, `${resource} "${name}" not found`, 'NotFound', { name, kind: resource });
