package org.userload.protocol;

/** The peer sent something that the protocol does not allow. Ends that peer's session. */
public final class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ProtocolException(String message) {
        super(message);
    }
}
