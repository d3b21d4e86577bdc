package org.userload.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.TimeUnit;

/** A stream socket, Unix or TCP, or two pipes. Owns them and a selector. */
public final class StreamPipe implements BytePipe {
    private final ReadableByteChannel in;
    private final WritableByteChannel out;
    private final Selector selector;
    private final SelectionKey readKey;
    private final SelectionKey writeKey;

    private <R extends SelectableChannel & ReadableByteChannel, W extends SelectableChannel & WritableByteChannel>
            StreamPipe(R in, W out) throws IOException {
        this.in = in;
        this.out = out;
        in.configureBlocking(false);
        out.configureBlocking(false);
        this.selector = Selector.open();
        this.readKey = in.register(selector, 0);
        this.writeKey = sameChannel(in, out) ? readKey : out.register(selector, 0);
    }

    private static boolean sameChannel(SelectableChannel one, SelectableChannel other) {
        return one.equals(other);
    }

    /**
     * Over a connected socket, which is made non-blocking and closed with this.
     *
     * @throws IOException if it is closed, or there are no more descriptors
     */
    public static StreamPipe over(SocketChannel socket) throws IOException {
        return new StreamPipe(socket, socket);
    }

    /** Over one pipe for each direction; both are made non-blocking and closed with this. */
    public static StreamPipe over(Pipe.SourceChannel in, Pipe.SinkChannel out) throws IOException {
        return new StreamPipe(in, out);
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        return in.read(into);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return out.write(from);
    }

    @Override
    public void await(boolean readable, boolean writable, long mostNanos) throws IOException {
        int read = readable ? SelectionKey.OP_READ : 0;
        int write = writable ? SelectionKey.OP_WRITE : 0;
        if (readKey.equals(writeKey)) {
            readKey.interestOps(read | write);
        } else {
            readKey.interestOps(read);
            writeKey.interestOps(write);
        }
        selector.select(Math.max(1, TimeUnit.NANOSECONDS.toMillis(mostNanos)));
        selector.selectedKeys().clear();
    }

    @Override
    public void wake() {
        selector.wakeup();
    }

    @Override
    public void close() {
        try (selector;
                in;
                out) {
            selector.wakeup();
        } catch (IOException e) {
            // The descriptors are closed all the same, and nobody waits for an answer.
        }
    }
}
