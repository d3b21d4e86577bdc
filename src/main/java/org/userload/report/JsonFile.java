package org.userload.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A JSON file that is known to be writable before the work begins, and appears whole or not at all. */
public final class JsonFile {
    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final OutputFile file;

    private JsonFile(OutputFile file) {
        this.file = file;
    }

    /**
     * Checks that the file can be written, without changing it.
     *
     * @throws IOException saying what is wrong with the path
     */
    public static JsonFile check(Path file) throws IOException {
        return new JsonFile(OutputFile.check(file));
    }

    /** Writes one object. */
    public void write(Object value) throws IOException {
        file.write((MAPPER.writeValueAsString(value) + System.lineSeparator()).getBytes(StandardCharsets.UTF_8));
    }
}
