package org.userload.channel;

/** What became of a message that was to be sent. */
public enum SendOutcome {
    /** It waits to be sent, in order, or is on its way. */
    SENT,
    /** No room, since the peer does not read; nothing was taken. */
    FULL,
    /** The port or the channel is closed. */
    CLOSED
}
