package org.userload.channel;

import java.nio.ByteBuffer;

/**
 * Gets the messages of one port, on the thread of the channel. While it works, the channel reads nothing, on any port: who
 * has much to do makes the peer wait. It must not wait for the channel, and a failure of it ends the channel.
 */
public interface PortHandler {
    /**
     * A message.
     *
     * @param type 0 to 65535, not checked
     * @param body its bytes, in network byte order, not checked; valid during the call only
     * @throws RefusedFrameException to have the message counted as refused; too many end the channel
     */
    void message(int type, ByteBuffer body) throws RefusedFrameException;

    /** The peer has closed the port, or the channel has ended. Called once; nothing comes after it. */
    void closed();
}
