package org.userload.channel;

/** A frame or message is not taken. Has no stack trace: a guest can cause as many as it likes. */
public final class RefusedFrameException extends Exception {
    private static final long serialVersionUID = 1;

    private final ChannelRefusal reason;

    public RefusedFrameException(ChannelRefusal reason) {
        super(reason.name(), null, false, false);
        this.reason = reason;
    }

    public ChannelRefusal reason() {
        return reason;
    }
}
