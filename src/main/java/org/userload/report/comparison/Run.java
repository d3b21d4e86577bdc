package org.userload.report.comparison;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One run of one mode.
 *
 * @param turn 1 to the number of repeats
 * @param result null if there is none
 * @param raw the result as it was written, null if there is none
 * @param error why the run failed, null if it did not
 */
public record Run(
        ComparedMode mode,
        int turn,
        @Nullable RunResult result,
        @Nullable JsonNode raw,
        @Nullable String error) {
    /** A result may have fields that a comparison does not need. */
    private static final ObjectMapper MAPPER =
            new ObjectMapper().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    /**
     * A run that has written its result.
     *
     * @throws IOException if that cannot be read, or is not what was asked for
     */
    public static Run of(ComparedMode mode, int turn, Path json) throws IOException {
        JsonNode raw = MAPPER.readTree(json.toFile());
        RunResult result = raw.isObject() ? MAPPER.treeToValue(raw, RunResult.class) : null;
        if (result == null || !RunResult.SCHEMA.equals(result.schema())) {
            throw new IOException("the result is not " + RunResult.SCHEMA);
        }
        if (!mode.toString().equals(result.mode())) {
            throw new IOException("the result is of mode " + result.mode());
        }
        boolean wrong = mode != ComparedMode.NONE && !Boolean.TRUE.equals(result.verified());
        return new Run(mode, turn, result, raw, wrong ? "memory or checksum differ from a run that never moved" : null);
    }

    /** A run that has left no result. */
    public static Run failed(ComparedMode mode, int turn, String error) {
        return new Run(mode, turn, null, null, error);
    }

    /** Whether it ended as it should; only such a run counts in the figures. */
    public boolean isGood() {
        return result != null && error == null;
    }
}
