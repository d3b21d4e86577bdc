package org.userload.channel;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a channel can go over. */
enum PipeKind {
    RING,
    UNIX_SOCKET,
    PIPES;

    record Ends(BytePipe host, BytePipe guest) {}

    Ends connect() throws IOException {
        return switch (this) {
            case RING -> ring(RingPipe.DEFAULT_BYTES);
            case UNIX_SOCKET -> unixSocket();
            case PIPES -> {
                Pipe toHost = Pipe.open();
                Pipe toGuest = Pipe.open();
                yield new Ends(
                        StreamPipe.over(toHost.source(), toGuest.sink()),
                        StreamPipe.over(toGuest.source(), toHost.sink()));
            }
        };
    }

    static Ends ring(int bytes) {
        RingPipe.Pair pair = RingPipe.pair(bytes);
        return new Ends(pair.host(), pair.guest());
    }

    private static Ends unixSocket() throws IOException {
        Path directory = Files.createTempDirectory("channel");
        Path path = directory.resolve("s");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            SocketChannel guest = SocketChannel.open(UnixDomainSocketAddress.of(path));
            return new Ends(StreamPipe.over(server.accept()), StreamPipe.over(guest));
        } finally {
            Files.deleteIfExists(path);
            Files.delete(directory);
        }
    }
}
