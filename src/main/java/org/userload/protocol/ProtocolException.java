package org.userload.protocol;

/** The peer sent something that the protocol does not allow. Ends that peer's session. */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ErrorCode code;

    public ProtocolException(String message) {
        this(ErrorCode.PROTOCOL, message);
    }

    ProtocolException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    /** What to tell the peer. */
    public ErrorCode code() {
        return code;
    }
}
