package org.userload.source;

/** The destination ended the session and said why. */
public final class PeerEndedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    PeerEndedException(String message) {
        super("the destination ended the session: " + message);
    }
}
