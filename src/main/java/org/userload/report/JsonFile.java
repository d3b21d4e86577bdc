package org.userload.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A JSON file that is known to be writable before the work begins, and appears whole or not at all. */
public final class JsonFile {
    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final Path file;

    private JsonFile(Path file) {
        this.file = file;
    }

    /**
     * Checks that the file can be written, without changing it.
     *
     * @throws IOException saying what is wrong with the path
     */
    public static JsonFile check(Path file) throws IOException {
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
        return new JsonFile(file);
    }

    /** Writes one object. */
    public void write(Object value) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            Files.write(file, bytes(value));
            return;
        }
        Path directory = file.toAbsolutePath().getParent();
        Path partial = Files.createTempFile(directory, ".userload", ".json");
        try {
            Files.write(partial, bytes(value));
            Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(partial, file.toAbsolutePath(), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }

    private static byte[] bytes(Object value) throws IOException {
        return (MAPPER.writeValueAsString(value) + System.lineSeparator())
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
