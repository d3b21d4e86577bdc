package org.userload.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.userload.transport.Endpoint;

/** Where two processes of one command meet: a free loopback port, or a Unix socket in a directory of its own. */
record SocketPlace(Endpoint endpoint, @Nullable Path directory) implements AutoCloseable {
    static SocketPlace choose(boolean unix) throws IOException {
        if (!unix) {
            return new SocketPlace(new Endpoint.Tcp("127.0.0.1", 0), null);
        }
        Path directory = Files.createTempDirectory("userload");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory), "userload-socket-end"));
        return new SocketPlace(new Endpoint.Unix(directory.resolve("source.sock")), directory);
    }

    @Override
    public void close() {
        if (directory != null) {
            delete(directory);
        }
    }

    /** Also when the process is told to end: nothing stays behind. */
    private static void delete(Path directory) {
        try {
            Files.deleteIfExists(directory.resolve("source.sock"));
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            System.err.println("userload: cannot delete " + directory + ": " + e.getMessage());
        }
    }
}
