package org.userload.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** A file that is known to be writable before the work begins, and appears whole or not at all. */
public final class OutputFile {
    private final Path file;

    private OutputFile(Path file) {
        this.file = file;
    }

    /**
     * Checks that the file can be written, without changing it.
     *
     * @throws IOException saying what is wrong with the path
     */
    public static OutputFile check(Path file) throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) {
            throw new IOException("cannot write " + file + ": it is a directory");
        }
        if (directory == null || !Files.isDirectory(directory)) {
            throw new IOException("cannot write " + file + ": there is no directory " + directory);
        }
        if (!Files.isWritable(directory) || (Files.exists(file) && !Files.isWritable(file))) {
            throw new IOException("cannot write " + file + ": permission denied");
        }
        return new OutputFile(file);
    }

    /** The file. */
    public Path path() {
        return file;
    }

    /** Writes all of it. A device or a pipe is written in place. */
    public void write(byte[] content) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            Files.write(file, content);
            return;
        }
        Path partial = Files.createTempFile(file.toAbsolutePath().getParent(), ".userload", ".partial");
        try {
            Files.write(partial, content);
            Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(partial, file.toAbsolutePath(), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
