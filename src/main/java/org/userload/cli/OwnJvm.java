package org.userload.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to run another userload command in a JVM of its own, as this one runs. */
final class OwnJvm {
    /** The jar's manifest permits native access, but only to a JVM started with {@code -jar}. */
    private static final int NATIVE_ACCESS_WARNS_SINCE = 22;

    private OwnJvm() {}

    /** A command line to which the command's arguments may be added. */
    static List<String> command(String userloadCommand) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= NATIVE_ACCESS_WARNS_SINCE) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(transportProperties());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(Main.class.getName());
        command.add(userloadCommand);
        return command;
    }

    /** What this JVM was told about its sockets ({@code -Dio.netty...}) holds for both sides. */
    private static List<String> transportProperties() {
        return System.getProperties().stringPropertyNames().stream()
                .filter(name -> name.startsWith("io.netty."))
                .map(name -> "-D" + name + "=" + System.getProperty(name))
                .toList();
    }
}
