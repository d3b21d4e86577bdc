package org.userload.benchmark;

import java.util.ArrayList;
import java.util.List;

/**
 * How the JVMs of a benchmark are started: with this one's Java and class path. The system property {@code
 * userload.benchmark.jvm} adds options.
 */
final class JvmCommand {
    static final String EXTRA_OPTIONS = "userload.benchmark.jvm";

    private JvmCommand() {}

    /** The command that runs a class on one CPU or, with {@code cpu} -1, on any. */
    static List<String> of(int cpu, Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>();
        if (cpu >= 0) {
            command.addAll(List.of("taskset", "-c", Integer.toString(cpu)));
        }
        command.add(System.getProperty("java.home") + "/bin/java");
        String extra = System.getProperty(EXTRA_OPTIONS, "").trim();
        if (!extra.isEmpty()) {
            command.add("-D" + EXTRA_OPTIONS + "=" + extra);
            command.addAll(List.of(extra.split("\\s+")));
        }
        command.addAll(List.of("-Xms256m", "-Xmx1g", "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
