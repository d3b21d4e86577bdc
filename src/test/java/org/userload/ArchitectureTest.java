package org.userload;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** The rooms of the house and which way their doors open. */
@Timeout(60)
class ArchitectureTest {
    private static final String ROOT = "org.userload.";

    /** From top to bottom; a package may depend on those after it only. Not every room is built yet. */
    private static final List<String> ROOMS = List.of(
            "cli",
            "report",
            "kvm",
            "trace",
            "migration",
            "destination",
            "source",
            "hint",
            "channel",
            "dirty",
            "fault",
            "transport",
            "protocol",
            "pack",
            "memory",
            "linux");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.userload");

    @TestFactory
    Stream<DynamicTest> everyRoom_dependsOnRoomsBelowItOnly() {
        return ROOMS.stream()
                .filter(ArchitectureTest::isBuilt)
                .map(room -> DynamicTest.dynamicTest(room, () -> {
                    List<String> above = new ArrayList<>(ROOMS.subList(0, ROOMS.indexOf(room)));
                    if (above.isEmpty()) {
                        return;
                    }
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + room + "..")
                            .should()
                            .dependOnClassesThat(in(above))
                            .because("dependencies point down the list " + ROOMS)
                            .check(CLASSES);
                }));
    }

    private static boolean isBuilt(String room) {
        return CLASSES.stream().anyMatch(c -> c.getPackageName().startsWith(ROOT + room));
    }

    private static DescribedPredicate<JavaClass> in(List<String> rooms) {
        return resideInAnyPackage(rooms.stream().map(room -> ROOT + room + "..").toArray(String[]::new));
    }

    @Test
    void everyClass_livesInAKnownRoom() {
        classes()
                .that(resideInAnyPackage("org.userload..")
                        .and(DescribedPredicate.not(resideInAnyPackage("org.userload.benchmark.."))))
                .should()
                .resideInAnyPackage(
                        ROOMS.stream().map(room -> ROOT + room + "..").toArray(String[]::new))
                .check(CLASSES);
    }

    @Test
    void rooms_haveNoCycles() {
        slices().matching("org.userload.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void theCheckSeesTheRoomsThatMatterMost() {
        assertThat(ROOMS.stream().filter(ArchitectureTest::isBuilt))
                .contains(
                        "linux",
                        "memory",
                        "protocol",
                        "transport",
                        "fault",
                        "dirty",
                        "channel",
                        "hint",
                        "source",
                        "destination");
    }

    @Test
    void dirty_dependsOnMemoryAndLinuxOnly() {
        noClasses()
                .that()
                .resideInAPackage("org.userload.dirty..")
                .should()
                .dependOnClassesThat(resideInAnyPackage("org.userload..", "io.netty..")
                        .and(DescribedPredicate.not(resideInAnyPackage(
                                "org.userload.dirty..", "org.userload.memory..", "org.userload.linux.."))))
                .check(CLASSES);
    }

    @Test
    void hint_dependsOnMemoryAndChannelOnly() {
        noClasses()
                .that()
                .resideInAPackage("org.userload.hint..")
                .should()
                .dependOnClassesThat(resideInAnyPackage("org.userload..", "io.netty..")
                        .and(DescribedPredicate.not(resideInAnyPackage(
                                "org.userload.hint..", "org.userload.memory..", "org.userload.channel.."))))
                .check(CLASSES);
    }

    @Test
    void channel_dependsOnNothingOfTheProject() {
        noClasses()
                .that()
                .resideInAPackage("org.userload.channel..")
                .should()
                .dependOnClassesThat(resideInAnyPackage("org.userload..", "io.netty..")
                        .and(DescribedPredicate.not(resideInAnyPackage("org.userload.channel.."))))
                .check(CLASSES);
    }

    @Test
    void onlyLinux_seesJnr() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.userload.linux..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jnr..", "com.kenai.jffi..")
                .check(CLASSES);
    }

    @Test
    void onlySource_seesCaffeine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.userload.source..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.github.benmanes.caffeine..")
                .check(CLASSES);
    }

    @Test
    void nothing_dependsOnTheCommandLine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.userload.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.userload.cli..", "picocli..")
                .check(CLASSES);
    }

    @Test
    void memoryAndProtocolAndLinux_knowNoChannels() {
        noClasses()
                .that()
                .resideInAnyPackage("org.userload.memory..", "org.userload.protocol..", "org.userload.linux..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.netty.channel..")
                .check(CLASSES);
    }

    @Test
    void nobody_usesUnsafe() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .check(CLASSES);
    }
}
