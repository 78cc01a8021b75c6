# SPDX-License-Identifier: GPL-2.0
#
# Files of src/linux on stubs of the kernel: what depends on when an interrupt comes, another CPU
# acts, or a page cannot be found. shim_test(NAME SHIM... TEST.cc): one program of gtest tests.
enable_language(C)

set(shim_stubs ${CMAKE_CURRENT_BINARY_DIR}/stubs)

# The C library includes this one too.
file(WRITE ${shim_stubs}/linux/errno.h "#include_next <linux/errno.h>\n")

# Makes each kernel header that these files include a stub.
function(shim_headers)
	foreach(file ${ARGN})
		file(STRINGS ${file} lines REGEX "^#include <(asm|linux|trace|xen)/")
		foreach(line ${lines})
			string(REGEX REPLACE "^#include <(.*)>.*" "\\1" header ${line})
			if(NOT EXISTS ${shim_stubs}/${header})
				file(WRITE ${shim_stubs}/${header} "#include \"kernel.h\"\n")
			endif()
		endforeach()
	endforeach()
endfunction()

file(GLOB shim_includes ${top}/src/linux/*.h ${top}/include/xengnt/*.h)
shim_headers(${shim_includes})

function(shim_test name)
	add_executable(${name} ${ARGN})
	foreach(file ${ARGN})
		get_filename_component(extension ${file} EXT)
		if(extension STREQUAL .c)
			shim_headers(${file})
			# The kernel builds without these warnings.
			set_source_files_properties(${file} PROPERTIES
				INCLUDE_DIRECTORIES "${shim_stubs};${top}/include"
				COMPILE_OPTIONS "-fexceptions;-Wno-unused-parameter;-Wno-sign-compare;-Wno-missing-field-initializers;-Wno-pointer-arith")
		endif()
	endforeach()
	target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/shims/stubs ${top}/src)
	target_compile_options(${name} PRIVATE -Wno-dangling-else)
	target_link_libraries(${name} PRIVATE GTest::gtest GTest::gtest_main)
	add_test(NAME ${name} COMMAND ${name})
endfunction()

shim_test(shim-work-tests ${top}/src/linux/port_work.c shims/port_work_test.cc)
shim_test(shim-refs-tests ${top}/src/linux/kernel_refs.c ${top}/src/linux/notify.c
	shims/kernel_refs_test.cc)
shim_test(shim-busy-tests ${top}/src/linux/busy.c shims/busy_test.cc)
shim_test(shim-tracking-tests ${top}/src/linux/tracking.c shims/tracking_test.cc)
shim_test(shim-frames-tests ${top}/src/linux/table_frames.c shims/table_frames_test.cc)
