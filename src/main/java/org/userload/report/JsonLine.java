package org.userload.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A value as one line of JSON, for a process that hands it to another. */
public final class JsonLine {
    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private JsonLine() {}

    /** The value without a line break. */
    public static String of(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a JSON value: " + value.getClass(), e);
        }
    }

    /**
     * The value of a line.
     *
     * @throws IOException if the line is not JSON of a {@code type}
     */
    public static <T> T parse(String line, Class<T> type) throws IOException {
        @Nullable T value = MAPPER.readValue(line, type);
        if (value == null) {
            throw new IOException("found " + line + ", expected a " + type.getSimpleName());
        }
        return value;
    }
}
