package org.userload.channel;

import java.io.IOException;

/** The channel has ended, or the port was closed or refused. */
public final class ChannelClosedException extends IOException {
    private static final long serialVersionUID = 1;

    public ChannelClosedException(String message) {
        super(message);
    }
}
