package org.userload.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import org.userload.benchmark.FloorScenario.Pin;

/** A {@link FloorSubject} in a JVM of its own. Closing it ends that JVM and its source. */
final class SubjectProcess implements AutoCloseable {
    private final ObjectMapper json = new ObjectMapper();
    private final Process process;
    private final BufferedReader output;
    private final Writer input;

    private SubjectProcess(Process process) {
        this.process = process;
        this.output = process.inputReader(StandardCharsets.UTF_8);
        this.input = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Starts it and waits until it is warm. */
    static SubjectProcess start(FloorScenario scenario, Pin pin, boolean quick, int warmUpTurns) throws IOException {
        SubjectProcess subject = new SubjectProcess(new ProcessBuilder(JvmCommand.of(
                        pin.destinationCpu(),
                        FloorSubject.class,
                        scenario.name(),
                        pin.name(),
                        quick ? "QUICK" : "FULL",
                        Integer.toString(warmUpTurns)))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
        if (!"ready".equals(subject.output.readLine())) {
            subject.close();
            throw new IOException("the Java side of " + scenario.toString() + " failed at its start");
        }
        return subject;
    }

    /** One turn. */
    JsonNode run() throws IOException {
        input.write("run\n");
        input.flush();
        String line = output.readLine();
        if (line == null) {
            throw new IOException("the Java side has failed");
        }
        return json.readTree(line);
    }

    @Override
    public void close() throws IOException {
        input.close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
