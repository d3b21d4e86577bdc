package org.userload.channel;

/**
 * How a channel came to its end.
 *
 * @param text one line for a log
 */
public record ChannelEnd(Reason reason, String text) {
    /** Who ended it. */
    public enum Reason {
        /** This end was closed. */
        CLOSED,
        /** The peer has closed its end, or is gone. */
        PEER_GONE,
        /** The peer sent what is not a frame, or a frame that is too long. */
        BROKEN_FRAME,
        /** The peer sent too much that had to be refused. */
        TOO_MANY_REFUSALS,
        /** A handler of this end failed; the text says how. */
        HANDLER_FAILED
    }
}
