package org.userload.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A directory for files that nobody needs later. It goes with {@link #close} or with this process. One thread. */
final class ScratchDirectory implements AutoCloseable {
    private final Path directory;
    private final Thread endWithUs = new Thread(this::delete, "userload-scratch-end");

    private ScratchDirectory(Path directory) {
        this.directory = directory;
    }

    static ScratchDirectory create(String prefix) throws IOException {
        ScratchDirectory created = new ScratchDirectory(Files.createTempDirectory(prefix));
        Runtime.getRuntime().addShutdownHook(created.endWithUs);
        return created;
    }

    /** A file in it, which need not exist. */
    Path file(String name) {
        return directory.resolve(name);
    }

    private void delete() {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            System.err.println("userload: cannot delete " + directory + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(endWithUs);
        } catch (IllegalStateException e) {
            // Already shutting down: the hook deletes it.
            return;
        }
        delete();
    }
}
