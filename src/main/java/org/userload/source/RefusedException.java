package org.userload.source;

import org.userload.protocol.ErrorCode;

/** A request that cannot be met; the peer is told the code and the text. */
final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ErrorCode code;

    RefusedException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    ErrorCode code() {
        return code;
    }
}
