package org.userload.transport;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * Makes way for a Unix socket: removes what a server left behind that is no more, and nothing else. Binding itself would
 * delete whatever lies at the path.
 */
final class DeadSocket {
    /** The file type bits of {@code st_mode}, and a socket's. */
    private static final int TYPE_MASK = 0xF000;

    private static final int SOCKET_TYPE = 0xC000;

    private DeadSocket() {}

    /** Throws when there is a file that is not a socket, or a socket that somebody listens on. */
    static void removeIfDead(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if ((mode & TYPE_MASK) != SOCKET_TYPE) {
            throw new IOException("cannot listen on unix:" + path + ": there is a file that is not a socket");
        }
        if (hasListener(path)) {
            throw new IOException("cannot listen on unix:" + path + ": address already in use");
        }
        Files.delete(path);
    }

    private static boolean hasListener(Path path) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }
}
