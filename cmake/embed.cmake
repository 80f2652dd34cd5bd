# Writes a C++ file that holds the text of data files:
#   cmake -DOUT=FILE -DROOT=FOLDER -DFILES="a.yaml;b.yaml" -P cmake/embed.cmake
# A file stands there under its path below ROOT, without a leading "data/".
set(body "")
set(table "")
set(number 0)
list(SORT FILES)
foreach(file ${FILES})
  file(READ ${ROOT}/${file} text)
  if(text MATCHES "\\)casemate\"")
    message(FATAL_ERROR "${file} holds the delimiter of a raw string")
  endif()
  string(REGEX REPLACE "^data/" "" name ${file})
  string(APPEND body "constexpr std::string_view kText${number} = R\"casemate(${text})casemate\";\n")
  string(APPEND table "    {\"${name}\", kText${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT}.new "#include <array>\n\n#include \"assess/data.h\"\n\nnamespace casemate::assess {\nnamespace {\n\n${body}
constexpr std::array<DataFile, ${number}> kFiles = {{\n${table}}};\n\n}  // namespace\n
std::span<const DataFile> AllDataFiles() { return kFiles; }\n\n}  // namespace casemate::assess\n")
file(RENAME ${OUT}.new ${OUT})
